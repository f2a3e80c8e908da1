/** What the example recites in place of a model: Markdown, a few words at a time. */

const ANSWERS = [
  `## Reload it and see

The words you read are **chunks of a stream** that the server keeps. This page is only a reader:

1. it asks for everything from index 0 on,
2. it shows what is there,
3. it follows what comes.

So a reload in the middle shows the same text again, *up to the word that is being written*, and
goes on from there. The producer never noticed that you were gone.`,
  `Here is how far a reader may be away, and what it finds when it is back:

| away for | finds |
|---|---|
| a second | the words of that second |
| a night | the whole answer, closed |
| 28 days | nothing: so long it is kept |

And this is all it takes to read:

\`\`\`tsx
const { parts, status } = useRealtimeStream<string>(runId, "stream");
return <Streamdown>{parts.join("")}</Streamdown>;
\`\`\``,
  `Every chunk has an **index** that never changes. When the connection breaks, the reader comes back
and says which index it had last; the server goes on with the next.

- Nothing is missing, as there are no gaps between indexes.
- Nothing comes twice, as the reader drops what it has.
- Nothing is made twice either: *the writer numbers its chunks*, so what it sends again is recognised.

That holds for this tab, for another one, and for a phone that was in a tunnel.`,
];

/** Yield an answer, word by word, as a model would. */
export async function* recite(question, ms) {
  const topic = /table|code/i.test(question) ? 1 : /lost|network|twice/i.test(question) ? 2 : 0;
  for (const word of ANSWERS[topic].match(/\s*\S+/g)) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    yield word;
  }
}
