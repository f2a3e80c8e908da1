/* nginx's part of the check: what it reads from the request, and what it answers. */

import crypto from "crypto";
import fs from "fs";
import token from "token.js";

/** One secret key a line; two lines while one is replaced by the other. */
var KEYS = "/etc/nginx/runstreams-keys";

function keys() {
  return fs
    .readFileSync(KEYS, "utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line);
}

function hmac(key, text) {
  return crypto.createHmac("sha256", key).update(text).digest("base64url");
}

/** Hand a request for a page on to the cache, under the page's own address, or refuse it. */
function read(r) {
  if (r.method === "OPTIONS") return allow(r);
  if (r.method !== "GET") {
    return refuse(r, { status: 405, code: "method_not_allowed", message: "Method not allowed" });
  }
  var path = r.variables.request_uri.split("?")[0];
  var said = token.decide(path, r.args, r.headersIn.Authorization, keys(), Date.now() / 1000, hmac);
  if (!said.address) return refuse(r, said);
  r.variables.page = said.address;
  r.internalRedirect("@pages");
}

/** A browser asks before each address of another origin; nothing of the answer is secret. */
function allow(r) {
  r.headersOut["Access-Control-Allow-Origin"] = "*";
  r.headersOut["Access-Control-Allow-Methods"] = "GET";
  r.headersOut["Access-Control-Allow-Headers"] = "authorization";
  r.headersOut["Access-Control-Max-Age"] = "7200";
  r.return(204);
}

function refuse(r, said) {
  r.headersOut["Access-Control-Allow-Origin"] = "*";
  r.headersOut["Access-Control-Expose-Headers"] = "*";
  r.headersOut["Content-Type"] = "application/json";
  r.headersOut["Cache-Control"] = "no-store";
  r.headersOut["x-should-retry"] = "false";
  var error = { code: said.code, message: said.message, request_id: r.variables.request_id };
  r.return(said.status, JSON.stringify({ error: error }));
}

export default { read: read };
