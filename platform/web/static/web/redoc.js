// The styles that the bundle writes need the page's nonce, which only a script element tells.
window.Redoc.init(
  "/swagger.json",
  { nonce: document.currentScript.nonce },
  document.getElementById("redoc"),
);
