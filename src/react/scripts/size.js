/** Print what each entry adds to a page, minified and gzipped; fail when one is too large. */

import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/**
 * Some 300 bytes of the reader and the hook leave out, and take back, what no longer counts; some 50 of the
 * hook remember where it was before any chunk had come; some 30 tell what was deleted from what never was.
 */
const LIMITS = { reader: 5120, index: 10912, writer: 4096, define: 256 };

for (const [entry, limit] of Object.entries(LIMITS)) {
  const { outputFiles } = await build({
    entryPoints: [`dist/${entry}.js`],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["react"],
    write: false,
    logOverride: { "ignored-bare-import": "silent" },
  });
  const { length } = gzipSync(outputFiles[0].contents, { level: 9 });
  console.log(`${entry}: ${length} of ${limit} bytes`);
  if (length > limit) process.exitCode = 1;
}
