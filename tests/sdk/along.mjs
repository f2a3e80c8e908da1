// Reads a stream along, from its beginning to its end, and prints what it has then: the chunks that
// count, one a line. How often it has rolled back it says first.
//
//     node tests/sdk/along.mjs MODULE URL TOKEN RUN KEY

const [module, baseURL, accessToken, run, key] = process.argv.slice(2);
const { StreamReader } = await import(module);

let seen = [];
let rolledBack = 0;
let startIndex = 0;
while (true) {
  try {
    const options = { baseURL, accessToken, startIndex, timeoutInSeconds: 60 };
    for await (const chunk of new StreamReader(run, key, options)) seen.push(chunk);
    break;
  } catch (error) {
    if (error.code !== "rolled_back") throw error;
    rolledBack += 1;
    startIndex = error.facts.index;
    seen = seen.filter(({ index }) => index < startIndex);
  }
}
console.log(rolledBack);
for (const { data } of seen) console.log(JSON.stringify(data));
