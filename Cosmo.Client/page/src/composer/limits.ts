/** The longest question that the server takes, in UTF-16 code units. */
export const longestQuestion = 32_000;
const near = 2_000;

export function isTooLong(text: string): boolean {
  return text.trim().length > longestQuestion;
}

/** What to say about the length of a text; empty while there is plenty of room. */
export function roomLeft(text: string): string {
  const left = longestQuestion - text.trim().length;
  return left < 0 ? `${count(-left)} too many: a question may have ${longestQuestion.toLocaleString("en")} characters. All of your text is kept.`
    : left <= near ? `${count(left)} left`
    : "";
}

function count(characters: number): string {
  return characters === 1 ? "1 character" : `${characters.toLocaleString("en")} characters`;
}
