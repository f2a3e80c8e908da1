import { render } from "preact";
import { begin } from "./navigation.js";
import "./theme.js";
import { Page } from "./views/Page.js";

begin();
render(<Page />, document.getElementById("app")!);
