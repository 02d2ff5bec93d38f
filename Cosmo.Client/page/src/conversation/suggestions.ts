import type { Suggestion } from "../config.js";

/** What is offered where the page's server names nothing else. */
export const fields: readonly Suggestion[] = [
  { title: "Weather", question: "What is the weather in Makati?" },
  { title: "Clients", question: "How many active clients do we have for each service?" },
  { title: "Offices", question: "Which offices in Makati have room for 20 people?" },
  { title: "Audit logs", question: "Show me the audit logs of maria.santos@example.com" },
  { title: "Roles", question: "Which role does juan.delacruz@example.com have?" },
];
