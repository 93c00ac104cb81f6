# syntax=docker/dockerfile:1
# One image for every process: web, workers, beat, migrate. compose and Kubernetes choose the command.
ARG BASE=python:3.12-slim

FROM ${BASE} AS packages
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# uv in the lock's own version; then what pyproject.toml needs at run time, in the lock's versions and
# with its hashes (the lock also holds the development tools, which stay out).
# Compiled here: the processes of the image can't write there, and would do it at each start.
RUN pip install --no-cache-dir --disable-pip-version-check "$(grep -oE '^uv==[0-9.]+' requirements.lock)" \
 && python -m venv /opt/venv \
 && uv pip install --no-cache --compile-bytecode --python /opt/venv/bin/python \
      --require-hashes -r pyproject.toml -c requirements.lock

FROM ${BASE}
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# The engines of `make setup`, without its Nginx: here the front is a container of its own.
COPY platform/localstack/engines.txt /tmp/engines.txt
# Versions are the distribution's, so that a rebuild brings its security fixes.
# hadolint ignore=DL3008,SC2046
RUN apt-get update \
 && apt-get install -y --no-install-recommends tini \
      $(awk -F'|' '!/^#/ && NF { gsub(/ /, "", $1); if ($1 !~ /^nginx/) print $1 }' /tmp/engines.txt) \
 && rm -rf /var/lib/apt/lists/* /tmp/engines.txt
# A number, so that Kubernetes can see that it is not root; /data/storage is the shared volume.
RUN groupadd --gid 10001 filemill \
 && useradd --uid 10001 --gid 10001 --home-dir /home/filemill --create-home --shell /usr/sbin/nologin filemill \
 && install -d -o 10001 -g 10001 -m 0700 /data /data/storage /data/work
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
RUN python -m compileall -q /app
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    PYTHONPATH=/app:/app/platform \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    STORAGE_DIR=/data/storage \
    WORK_DIR=/data/work \
    STATIC_DIR=/data/static
USER 10001:10001
EXPOSE 8000
# Of the web process; the others say in compose and Kubernetes how they are asked.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/', timeout=4)"]
# tini reaps the engines' orphans and passes signals on.
ENTRYPOINT ["tini", "--"]
CMD ["granian", "--interface", "wsgi", "--no-ws", "--http", "1", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "64", "--backpressure", "128", "--log-level", "warning", \
     "--respawn-failed-workers", "--workers-kill-timeout", "5", "config.wsgi:application"]
