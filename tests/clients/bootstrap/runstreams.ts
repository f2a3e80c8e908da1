import { apiClientManager, realtimeStreams } from "@trigger.dev/core/v3";
import { StandardRealtimeStreamsManager } from "@trigger.dev/core/v3/workers";

const client = apiClientManager.clientOrThrow();
realtimeStreams.setGlobalManager(new StandardRealtimeStreamsManager(client, client.baseUrl));
