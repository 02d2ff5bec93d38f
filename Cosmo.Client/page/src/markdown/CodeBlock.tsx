import { CopyButton } from "../frame/CopyButton.js";
import { ScrollBox } from "./ScrollBox.js";

export function CodeBlock({ language, text }: { language: string; text: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language}</span>
        <CopyButton text={() => text} label="Copy the code" />
      </figcaption>
      <ScrollBox label={language === "" ? "Code" : `Code: ${language}`}><pre dir="ltr"><code>{text}</code></pre></ScrollBox>
    </figure>
  );
}
