import "./styles/tokens.css";
import "./styles/frame.css";
import "./styles/list.css";
import "./styles/conversation.css";
import "./styles/markdown.css";
import "./styles/composer.css";
import { render } from "preact";
import { App } from "./App.js";

render(<App />, document.getElementById("page")!);
