/** Searching the chunks, and showing only those that match. */

import { count } from "../format.js";
import { Icon } from "../views/parts.js";
import type { Acts } from "./acts.js";
import type { View } from "./view.js";

export function Finder({ view, acts }: { view: View; acts: Acts }) {
  const { feed, query, isFiltering, mode } = view;
  void feed.version.value;
  const search = feed.search.value;
  const isList = mode.value === "list";
  const typed = (text: string) => {
    query.value = text;
    feed.find(text);
    view.places.value = { at: 0, count: 0 };
  };
  return (
    <div class="finder" role="search" aria-label="Chunks">
      <Icon name="search" />
      <input
        id="search"
        type="search"
        placeholder="Search ( / )"
        aria-label="Search chunks"
        title="A capital letter makes it exact"
        value={query.value}
        onInput={(event) => typed(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") acts.step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") {
            if (query.value) typed("");
            else event.currentTarget.blur();
            event.preventDefault();
          }
        }}
      />
      {search && (
        <>
          <output class="matches" aria-live="polite">
            {isList ? place(view) : placeInText(view)}
            {feed.isSearching.value ? "…" : ""}
          </output>
          <button
            type="button"
            class="icon"
            aria-label="Previous match"
            title="Previous match (N)"
            onClick={() => acts.step(-1)}
          >
            <Icon name="previous" />
          </button>
          <button
            type="button"
            class="icon"
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => acts.step(1)}
          >
            <Icon name="next" />
          </button>
        </>
      )}
      {isList && (
        <button
          type="button"
          class="icon"
          aria-pressed={isFiltering.value}
          aria-label="Only what matches"
          title="Only what matches"
          onClick={() => {
            isFiltering.value = !isFiltering.value;
            if (isFiltering.value && !search) document.getElementById("search")?.focus();
          }}
        >
          <Icon name="filter" />
        </button>
      )}
    </div>
  );
}

function place({ feed, selected }: View): string {
  const { matches } = feed.search.value!;
  if (!matches.length) return "none";
  const at = selected.value === undefined ? -1 : matches.indexOf(selected.value);
  return at < 0 ? count(matches.length) : `${count(at + 1)} of ${count(matches.length)}`;
}

function placeInText({ places }: View): string {
  const { at, count: all } = places.value;
  return !all ? "none" : at ? `${count(at)} of ${count(all)}` : count(all);
}
