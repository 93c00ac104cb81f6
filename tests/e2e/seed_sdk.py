"""The Python sample of the first wish (seed 001), word for word."""
# ruff: noqa: TID251, S113, W291, W293, PTH123, I001
# mypy: ignore-errors
# fmt: off

import requests

class FileConversionClient:
    def __init__(self, api_key, base_url="http://localhost:8000"):
        self.api_key = api_key
        self.base_url = base_url
        self.headers = {"Authorization": f"Api-Key {api_key}"}
    
    def convert_file(self, file_path, output_format, webhook_url=None):
        url = f"{self.base_url}/api/v1/conversions/convert/"
        
        with open(file_path, 'rb') as f:
            files = {'file': f}
            data = {
                'output_format': output_format,
                'webhook_url': webhook_url
            }
            
            response = requests.post(url, headers=self.headers, 
                                   files=files, data=data)
            return response.json()
    
    def get_job_status(self, job_id):
        url = f"{self.base_url}/api/v1/conversions/jobs/{job_id}/"
        response = requests.get(url, headers=self.headers)
        return response.json()
    
    def download_result(self, job_id, output_path):
        url = f"{self.base_url}/api/v1/conversions/jobs/{job_id}/download/"
        response = requests.get(url, headers=self.headers)
        
        with open(output_path, 'wb') as f:
            f.write(response.content)
