/*
 * CloudFront's part of the check, before the cache: what it reads from the request, and what it
 * answers. `scripts/edge.py` makes one function of this and token.js, in template.yaml.
 */

import crypto from "crypto";
import cf from "cloudfront";

/** The secret keys, under the names `current` and, for a while after a rotation, `previous`. */
const store = cf.kvs();

/** The gateway decodes a path once more, and cuts it at a `?`: then it names another stream. */
const AMBIGUOUS = /%(25|3f)/i;

async function handler(event) {
  const request = event.request;
  if (request.method === "OPTIONS") return preflight();
  const current = await keyCalled("current");
  const previous = await keyCalled("previous");
  const said = judged(request, current, previous);
  if (said.status) return refused(said, event.context.requestId);
  delete request.headers.authorization;
  request.uri = said.address.split("?")[0];
  request.querystring = inOrder(request.querystring);
  return request;
}

async function keyCalled(name) {
  try {
    const value = await store.get(name);
    return value.trim();
  } catch (error) {
    return "";
  }
}

function judged(request, current, previous) {
  if (!current) return refusal(503, "busy", "the edge has not been told the secret key");
  if (AMBIGUOUS.test(request.uri)) {
    return refusal(400, "invalid_request", "this is no page's address");
  }
  const sent = request.headers.authorization;
  const query = valuesOf(request.querystring);
  const keys = previous ? [current, previous] : [current];
  const shown = sent && !sent.multiValue ? sent.value : "";
  return decide(request.uri, query, shown, keys, Date.now() / 1000, hmac);
}

function hmac(key, text) {
  return crypto.createHmac("sha256", key).update(text).digest("base64url");
}

/** Return the fields of a query by name; nothing of one that was sent twice. */
function valuesOf(query) {
  const found = {};
  Object.keys(query).forEach((name) => {
    found[name] = query[name].multiValue ? null : query[name].value;
  });
  return found;
}

/** Return a query with its fields as they stand in the cache's key. */
function inOrder(query) {
  const found = {};
  FIELDS.forEach((name) => {
    if (query[name]) found[name] = query[name];
  });
  return found;
}

function refused(said, id) {
  const headers = {
    "content-type": { value: "application/json" },
    "cache-control": { value: "no-store" },
    "access-control-allow-origin": { value: "*" },
    "access-control-expose-headers": { value: "*" },
  };
  if (said.status === 503) headers["retry-after"] = { value: "5" };
  else headers["x-should-retry"] = { value: "false" };
  const error = { code: said.code, message: said.message, request_id: id };
  return {
    statusCode: said.status,
    headers: headers,
    body: { encoding: "text", data: JSON.stringify({ error: error }) },
  };
}

/** Say what a browser asks before each address; any page may ask, as nothing of it is secret. */
function preflight() {
  return {
    statusCode: 204,
    headers: {
      "access-control-allow-origin": { value: "*" },
      "access-control-allow-methods": { value: "GET" },
      "access-control-allow-headers": { value: "authorization" },
      "access-control-max-age": { value: "7200" },
    },
  };
}
