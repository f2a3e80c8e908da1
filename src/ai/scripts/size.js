/** Print what it adds to a page that has the AI SDK, minified and gzipped; fail when that is too large. */

import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** Some 700 bytes take back what no longer counts: the reader's part of that is among them. */
const LIMIT = 6944;

const { outputFiles } = await build({
  entryPoints: ["dist/index.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  external: ["ai"],
  write: false,
});
const { length } = gzipSync(outputFiles[0].contents, { level: 9 });
console.log(`index: ${length} of ${LIMIT} bytes`);
if (length > LIMIT) process.exitCode = 1;
