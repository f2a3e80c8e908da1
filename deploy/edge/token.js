/*
 * Who may read a page of a stream: checked before a cache that gives pages to many looks for one.
 *
 * Plain JavaScript, for nginx (njs), CloudFront Functions and node alike: no module is imported, and
 * what differs comes in as arguments. It allows what `runstreams.http.access` allows, or less.
 */

var PAGES = /^\/realtime\/v1\/pages\/([^\/?#]+)\/([^\/?#]+)$/;

/** The query of an address, in the order in which it stands in the cache's key. */
var FIELDS = ["generation", "start", "cursor"];

var NUMBER = /^(0|[1-9][0-9]{0,15})$/;

var VALUES = { generation: /^[A-Za-z0-9._-]{1,128}$/, start: NUMBER, cursor: NUMBER };

var NO_KEY = "Invalid or Missing API key";
var OTHER_KEY = "Invalid API key";
var EXPIRED = "Public Access Token has expired";
var INVALID = "Public Access Token is invalid";
var OTHER_TOKEN = "Invalid Public Access Token";
var UNAUTHORIZED = "Unauthorized";

/**
 * Return the address under which the page of a request is kept, or why there is none: `{address}`, or
 * `{status, code, message}`. `path` is as it was sent; `query` has the fields by name, as they were sent.
 * `keys` are the secret keys that are accepted; `now` is in seconds since 1970; `hmac(key, text)` returns
 * the HMAC-SHA256 of a text, in base64url.
 */
function decide(path, query, authorization, keys, now, hmac) {
  var said = claimsOf(authorization, keys, now, hmac);
  if (said.status) return said;
  var names = namesIn(path);
  var address = names && addressOf(names, query);
  if (!address) return refusal(400, "invalid_request", "this is no page's address");
  if (!said.everything && !allows(said.scopes, names.run, names.key)) {
    return refusal(403, "unauthorized", UNAUTHORIZED);
  }
  return { address: address };
}

function refusal(status, code, message) {
  return { status: status, code: code, message: message };
}

function unknown(message) {
  return refusal(401, "unauthenticated", message);
}

/** Return the run and the key that a path names; nothing when it is no page's. */
function namesIn(path) {
  var found = PAGES.exec(path);
  var run = found && nameIn(found[1]);
  var key = found && nameIn(found[2]);
  return run && key ? { run: run, key: key } : null;
}

function nameIn(part) {
  var name;
  try {
    name = decodeURIComponent(part);
  } catch (error) {
    return null;
  }
  return name === "." || name === ".." || /[\/\\\u0000-\u001f\u007f]/.test(name) ? null : name;
}

/** Return the one way in which an address is written; nothing when a field is not as it may be. */
function addressOf(names, query) {
  var path = "/realtime/v1/pages/" + encodeURIComponent(names.run) + "/" + encodeURIComponent(names.key);
  var fields = [];
  for (var name in query) {
    if (FIELDS.indexOf(name) < 0) return null;
  }
  for (var at = 0; at < FIELDS.length; at++) {
    var value = query[FIELDS[at]];
    if (value === undefined) continue;
    if (typeof value !== "string" || !VALUES[FIELDS[at]].test(value)) return null;
    fields.push(FIELDS[at] + "=" + value);
  }
  return path + (fields.length ? "?" + fields.join("&") : "");
}

/** Return `{everything}` or `{scopes}` of whoever sent an `Authorization`, or why there are none. */
function claimsOf(authorization, keys, now, hmac) {
  var found = /^bearer +(.*)$/i.exec(authorization || "");
  var credential = found ? found[1].trim() : "";
  if (!credential) return unknown(NO_KEY);
  var parts = credential.split(".");
  var signed = parts[0] + "." + parts[1];
  var isSigned = false;
  for (var at = 0; at < keys.length; at++) {
    if (isSame(credential, keys[at])) return { everything: true };
    isSigned = (parts.length === 3 && isSame(parts[2], hmac(keys[at], signed))) || isSigned;
  }
  if (parts.length !== 3) return unknown(OTHER_KEY);
  var head = isSigned && objectIn(parts[0]);
  var said = head && head.alg === "HS256" && !("crit" in head) && objectIn(parts[1]);
  return said ? inTime(said, now) : unknown(INVALID);
}

function inTime(said, now) {
  var since = said.nbf === undefined ? 0 : said.nbf;
  if (said.pub !== true || !Array.isArray(said.scopes)) return unknown(OTHER_TOKEN);
  if (!isTime(said.exp) || !isTime(since)) return unknown(OTHER_TOKEN);
  if (said.exp <= now) return unknown(EXPIRED);
  if (since > now) return unknown(INVALID);
  return said.scopes.indexOf("admin") < 0 ? { scopes: said.scopes } : { everything: true };
}

function isTime(value) {
  return typeof value === "number" && isFinite(value);
}

/** Return the JSON object that a part of a token is; nothing when it is none, or written oddly. */
function objectIn(part) {
  var bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) return null;
  try {
    var value = JSON.parse(bytes.toString("utf8"));
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch (error) {
    return null;
  }
}

/** Say whether one of `scopes`, as `action:type[:id]`, allows to read a stream. */
function allows(scopes, run, key) {
  for (var at = 0; at < scopes.length; at++) {
    var parts = typeof scopes[at] === "string" ? scopes[at].split(":") : [];
    if (parts[0] !== "read" && parts[0] !== "*") continue;
    var id = parts.length > 2 ? parts.slice(2).join(":") : null;
    if (id !== null && !id.trim()) continue;
    if (parts[1] === "all") return true;
    if (parts[1] === "runs" && (id === null || id === run)) return true;
    if (parts[1] === "streams" && (id === null || id === run + "/" + key)) return true;
  }
  return false;
}

/** Compare two texts in a time that tells nothing but their lengths. */
function isSame(one, other) {
  var differing = one.length ^ other.length;
  for (var at = 0; at < other.length; at++) {
    differing |= one.charCodeAt(at % one.length) ^ other.charCodeAt(at);
  }
  return differing === 0;
}

export default { decide: decide };
