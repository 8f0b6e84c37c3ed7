// Where a safety plan kept on this device is shown, or offered: its own page, and the pages of crisis help. With a
// connection or without, signed in or not.
import { forgetPlan, keptPlan } from "./plan-kept.js";

const plan = await keptPlan();
const find = (name) => document.querySelector(`[data-plan-${name}]`);

if (plan && find("link")) find("link").hidden = false;
if (find("here")) show();

function show() {
  find("none").hidden = plan !== null;
  find("about").hidden = plan === null;
  if (!plan) return;
  find("here").innerHTML = plan.html; // the server's own, escaped there
  find("at").textContent = new Date(plan.at).toLocaleDateString("en-GB", { dateStyle: "long" });
  find("remove").addEventListener("click", async () => {
    await forgetPlan();
    location.reload();
  });
}
