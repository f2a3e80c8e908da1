/** Taking chunks along: as a file, or on the clipboard. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Api, StreamInfo } from "../api.js";
import { copy } from "../clipboard.js";
import { count } from "../format.js";
import { Menu } from "../views/Menu.js";
import { Icon, say } from "../views/parts.js";
import { asking, download, fileName, save, type Form } from "./download.js";
import { joined } from "./text.js";
import type { View } from "./view.js";

export function Export({
  view,
  api,
  info,
  link,
}: {
  view: View;
  api: Api;
  info: StreamInfo | undefined;
  link: () => string;
}) {
  const running = useSignal<{ share: number; cancel: AbortController } | undefined>(undefined);
  const { feed } = view;
  useEffect(() => () => running.peek()?.cancel.abort(), []);

  const copied = async (text: () => string, what: string) => {
    try {
      await copy(text());
      say(`Copied ${what}`);
    } catch (error) {
      say(`Not copied: ${(error as Error).message}`);
    }
  };

  const load = async (form: Form) => {
    if (running.value) return;
    const cancel = new AbortController();
    running.value = { share: 0, cancel };
    try {
      const { run, key } = feed;
      const { first_index, tail } = await api.stream(run, key, cancel.signal);
      const ask = asking(api, run, key, cancel.signal);
      const progress = (share: number) => (running.value = { share, cancel });
      save(
        await download(ask, first_index, tail, form, progress, cancel.signal),
        fileName(run, key, form),
      );
    } catch (error) {
      say(
        cancel.signal.aborted ? "Download canceled" : `Not downloaded: ${(error as Error).message}`,
      );
    }
    running.value = undefined;
  };

  if (running.value) {
    const { share, cancel } = running.value;
    return (
      <span class="loading">
        <progress value={share} max={1} aria-label="Downloading" />
        <button type="button" class="button" onClick={() => cancel.abort()}>
          Cancel
        </button>
      </span>
    );
  }
  void feed.version.value;
  const { length } = feed.chunks;
  return (
    <Menu
      title="Copy or download"
      label={
        <>
          <Icon name="download" />
          <span class="label">Export</span>
        </>
      }
    >
      {(shut) => {
        const choose = (act: () => Promise<void>) => {
          shut();
          void act();
        };
        return (
          <>
            <button
              type="button"
              onClick={() => choose(() => load("jsonl"))}
              disabled={!info?.tail}
            >
              Download all as JSON lines
            </button>
            <button type="button" onClick={() => choose(() => load("text"))} disabled={!info?.tail}>
              Download all as text
            </button>
            <button
              type="button"
              disabled={!length}
              onClick={() =>
                choose(() =>
                  copied(() => joined(feed.chunks.slice(0, length)), `${count(length)} chunks`),
                )
              }
            >
              Copy {count(length)} chunks as text
            </button>
            <button type="button" onClick={() => choose(() => copied(link, "the link"))}>
              Copy a link to this place
            </button>
          </>
        );
      }}
    </Menu>
  );
}
