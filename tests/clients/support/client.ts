/** The published client under test: the version that CLIENT names, configured as its users do it. */

import type * as Core from "@trigger.dev/core/v3";
import type * as Workers from "@trigger.dev/core/v3/workers";
import type * as Sdk from "@trigger.dev/sdk";

import { baseURL, secret } from "./lab.js";

const version = process.env.CLIENT!;

/** Whether it is one of the versions that know no `event: error`, and are installed by other names. */
export const isOld = version !== "4.8.3";

const suffix = version.replaceAll(".", "");
const corePackage = isOld ? `core-${suffix}` : "@trigger.dev/core";

const core: typeof Core = await import(`${corePackage}/v3`);
const workers: typeof Workers = await import(`${corePackage}/v3/workers`);

/** The run's metadata, of which the old form of streams is a part. The SDK asks for it once, when it
 * is imported.
 */
export const runMetadata = new workers.StandardMetadataManager(core.apiClientManager.client!);
core.runMetadata.setGlobalManager(runMetadata);

const sdk: typeof Sdk = await import(isOld ? `sdk-${suffix}` : "@trigger.dev/sdk");

export const { auth, configure, metadata, streams, task } = sdk;
export const {
  apiClientManager,
  ApiClient,
  inputStreams,
  realtimeStreams,
  resourceCatalog,
  taskContext,
} = core;
export const { StandardInputStreamManager, StandardResourceCatalog } = workers;

/** What `docs/compatibility.md` tells everybody to do who writes outside a trigger.dev worker. */
export function bootstrap(): InstanceType<typeof ApiClient> {
  configure({ baseURL, accessToken: secret });
  const client = apiClientManager.clientOrThrow();
  realtimeStreams.setGlobalManager(
    new workers.StandardRealtimeStreamsManager(client, client.baseUrl),
  );
  return client;
}

export const client = bootstrap();
