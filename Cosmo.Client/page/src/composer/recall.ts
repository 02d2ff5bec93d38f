/** Where somebody is who goes through what was asked before. */
export interface Recall {
  /** How far back: 0 is what is being written. */
  readonly back: number;
  /** What was being written. */
  readonly draft: string;
}

/** What stands in the field one step further back (1) or forward (-1); null where there is no such step. */
export function step(recall: Recall, questions: readonly string[], by: 1 | -1): { recall: Recall; text: string } | null {
  const back = recall.back + by;
  if (back < 0 || back > questions.length) {
    return null;
  }

  return { recall: { ...recall, back }, text: back === 0 ? recall.draft : questions[questions.length - back]! };
}
