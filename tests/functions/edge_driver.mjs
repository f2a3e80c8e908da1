// Answers each line, `{keys, now, event}`, with what the function gives back for that event.

import { createInterface } from "node:readline";

import { held } from "cloudfront";

import { handler } from "./function.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  const { keys, now, event } = JSON.parse(line);
  Date.now = () => now * 1000;
  for (const name of Object.keys(held)) delete held[name];
  Object.assign(held, keys);
  console.log(JSON.stringify(await handler(event)));
}
