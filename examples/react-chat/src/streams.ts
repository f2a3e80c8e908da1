import { defineStream } from "@runstreams/react/define";

/** One question, and the run that answers it. */
export interface Turn {
  question: string;
  run: string;
}

/** A chat is a run, too: its turns are a stream, so that every tab sees them. */
export const turns = defineStream<Turn>({ id: "turns" });
