/** Ask the check of a cache what it makes of requests: JSON comes in, and goes out, a line each. */

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import token from "../../deploy/edge/token.js";

const { keys, now, requests } = JSON.parse(readFileSync(0, "utf8"));
const hmac = (key, text) => createHmac("sha256", key).update(text).digest("base64url");

for (const { path, query, authorization } of requests) {
  console.log(JSON.stringify(token.decide(path, query, authorization, keys, now, hmac)));
}
