/**
 * Make what is served, in ../../src/runstreams/dashboard or the folder that is given: the same bytes
 * from the same sources, so that a test can tell whether what is checked in is stale.
 */

import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const out = resolve(process.argv[2] ?? join(here, "..", "runstreams", "dashboard"));

/** What a page loads at once, gzipped. */
const LIMIT = 43 * 1024;

/** Files that are loaded beside the one that imports them. */
const beside = {
  name: "beside",
  setup({ onResolve }) {
    onResolve({ filter: /\/react\/src\/reader\.js$/ }, () => external("reader.js"));
    onResolve({ filter: /\/(answers|markdown|octets)\.js$/ }, ({ kind, path }) =>
      kind === "dynamic-import" ? external(path.split("/").pop()) : undefined,
    );
  },
};

const external = (name) => ({ path: `./${name}`, external: true });

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: {
    dashboard: "src/main.tsx",
    reader: "../react/src/reader.ts",
    markdown: "src/markdown.ts",
    octets: "src/octets.ts",
    answers: "src/answers.ts",
  },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  metafile: true,
  plugins: [beside],
  logLevel: "warning",
});

await build({
  absWorkingDir: here,
  entryPoints: { dashboard: "style/dashboard.css" },
  outdir: out,
  bundle: true,
  minify: true,
  target: ["chrome123", "firefox124", "safari17.5"],
  charset: "utf8",
  logLevel: "warning",
});

mkdirSync(out, { recursive: true });
cpSync(join(here, "static"), out, { recursive: true });
writeFileSync(join(out, "LICENSES.txt"), licenses(packagesIn(metafile)));
report();

/** The packages that ended up in the bundles. */
function packagesIn({ inputs }) {
  const names = Object.keys(inputs).map(
    (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1],
  );
  return [...new Set(names.filter(Boolean))].sort();
}

function licenses(names) {
  const texts = names.map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${textIn(folder).trim()}\n`;
  });
  const head = "The dashboard is made with these packages. Each is under its own license.\n";
  return [head, ...texts].join(`\n${"-".repeat(80)}\n\n`);
}

function textIn(folder) {
  for (const name of ["LICENSE", "LICENSE.md", "LICENSE.txt", "license"]) {
    try {
      return readFileSync(join(folder, name), "utf8").replace(/\r\n/g, "\n");
    } catch {
      // The next name, then.
    }
  }
  throw new Error(`no license in ${folder}`);
}

/** Print what each file weighs, gzipped; fail when the page's first load is too large. */
function report() {
  let first = 0;
  for (const name of [
    "dashboard.js",
    "reader.js",
    "dashboard.css",
    "answers.js",
    "markdown.js",
    "octets.js",
  ]) {
    const { length } = gzipSync(readFileSync(join(out, name)), { level: 9 });
    console.log(`${name}: ${length} bytes gzipped`);
    if (name === "dashboard.js" || name === "reader.js") first += length;
  }
  console.log(`dashboard.js and reader.js: ${first} of ${LIMIT} bytes`);
  if (first > LIMIT) process.exitCode = 1;
}
