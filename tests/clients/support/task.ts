/** A trigger.dev task without its worker: what the worker sets up before it calls `run`. */

import { resourceCatalog, runMetadata, StandardResourceCatalog, taskContext } from "./client.js";

export interface RunIds {
  id: string;
  parentTaskRunId?: string;
  rootTaskRunId?: string;
}

resourceCatalog.setGlobalResourceCatalog(new StandardResourceCatalog());
resourceCatalog.setCurrentFileContext("tasks.ts", "tasks");

/** Run `step` as a worker runs code of the run that `ids` names. One at a time: it is global. */
export async function inRun<T>(ids: RunIds, step: (ctx: any) => T): Promise<Awaited<T>> {
  const ctx = contextOf(ids);
  runMetadata.runId = ids.id;
  taskContext.setGlobalTaskContext({ ctx, worker: { id: "worker_1", version: "1" } } as any);
  try {
    return await step(ctx);
  } finally {
    taskContext.disable();
    runMetadata.reset();
  }
}

/** Run the task that is defined under `id`. */
export function runTask(id: string, payload: unknown, ids: RunIds): Promise<unknown> {
  const { run } = resourceCatalog.getTask(id)!.fns;
  return inRun(ids, (ctx) => run(payload, { ctx, signal: new AbortController().signal } as any));
}

function contextOf(run: RunIds): object {
  return {
    attempt: { number: 1, startedAt: new Date(), id: "attempt_1", status: "EXECUTING" },
    task: { id: "my-task", filePath: "tasks.ts", exportName: "myTask" },
    run: { ...run, tags: [], isTest: false, isReplay: false, createdAt: new Date() },
    queue: { id: "queue_1", name: "queue" },
    environment: { id: "env_1", slug: "dev", type: "DEVELOPMENT" },
    organization: { id: "org_1", slug: "org", name: "org" },
    project: { id: "project_1", ref: "proj_1", slug: "project", name: "project" },
  };
}
