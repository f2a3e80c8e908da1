/** Answers of models, told in events: a bundle of its own, loaded when text or Markdown is asked for. */

export { Answer } from "./answers/answer.js";
export { AnswerSheet } from "./answers/sheet.js";
export { add } from "./viewer/blocks.js";
