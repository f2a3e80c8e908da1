/** Runs and streams as a server tells of them. */

import type { RunInfo, StreamInfo } from "../../src/api.js";

export const runInfo = (id: string, more: Partial<RunInfo> = {}): RunInfo => ({
  id,
  created: 0,
  expires: 0,
  parent: null,
  root: null,
  completed: null,
  status: "running",
  error: null,
  leased_until: null,
  ...more,
});

export const streamInfo = (key: string, more: Partial<StreamInfo> = {}): StreamInfo => ({
  run: "r",
  key,
  first_index: 0,
  tail: 0,
  bytes: 0,
  created: 0,
  updated: 0,
  last_append: null,
  expires: 0,
  closed: null,
  stop: false,
  writers: 0,
  leased_until: null,
  fence: 0,
  superseded: [],
  ...more,
});
