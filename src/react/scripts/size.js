/** Print what each entry adds to a page, minified and gzipped; fail when one is too large. */

import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const LIMITS = { reader: 4864, index: 10496, writer: 4096, define: 256 };

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
