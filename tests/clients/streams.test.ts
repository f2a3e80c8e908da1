import { before, describe } from "node:test";

import { calls } from "./suites/calls.js";
import { inputs } from "./suites/inputs.js";
import { resume } from "./suites/resume.js";
import { tokens } from "./suites/tokens.js";
import { filterRejections } from "./support/rejections.js";

// Most of them wait most of the time, so all go on at once.
describe(`streams of ${process.env.CLIENT}`, { concurrency: 100, timeout: 100_000 }, () => {
  before(filterRejections);
  calls();
  inputs();
  resume();
  tokens();
});
