// Tells the page where the functions are, and the static web app which headers to send. azd runs it before it builds the page, with what was provisioned.
import { writeFileSync } from "node:fs";

const [functions, webPubSub] = ["COSMO_URL", "COSMO_WEB_PUBSUB_ENDPOINT"].map((name) => {
  if (!process.env[name]) {
    throw new Error(`${name} is not set: provision first.`);
  }

  return new URL(process.env[name]);
});

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  `connect-src 'self' ${functions.origin} wss://${webPubSub.host}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify",
].join("; ");

// vite copies what is in public/ into dist/.
write("config.json", { functionsUrl: functions.href });
write("staticwebapp.config.json", {
  globalHeaders: { "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer" },
});

function write(name, content) {
  writeFileSync(new URL(`public/${name}`, import.meta.url), `${JSON.stringify(content, null, 2)}\n`);
}
