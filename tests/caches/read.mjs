/** Read one stream by many of the package's readers at once, and print what each has read. */

import { StreamReader } from "../../src/react/dist/reader.js";

const [, , baseURL, accessToken, readers] = process.argv;

async function read() {
  const found = [];
  for await (const { data } of new StreamReader("run_1", "out", { baseURL, accessToken })) {
    found.push(data);
  }
  return found;
}

const all = await Promise.all(Array.from({ length: Number(readers) }, read));
console.log(JSON.stringify(all));
