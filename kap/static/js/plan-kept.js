// A safety plan that its owner wants on this device: sealed as drafts are, under a key that the browser does not hand
// out, though whoever can use the browser can open it. There is one at most, as one person asks for it. Used by pages
// and, pasted behind drafts.js by the server, by the service worker.
import { draftsOf } from "./drafts.js";

const PLAN_NAME = "safety-plan";
const onDevice = draftsOf("this device");

/** {user, html, at, stays}: whose it is, its words, since when, and whether it outlives a sign-out; else null. */
export const keptPlan = () => onDevice.get(PLAN_NAME).catch(() => null);
export const keepPlan = (plan) => onDevice.put(PLAN_NAME, plan);
export const forgetPlan = () => onDevice.remove(PLAN_NAME);

/** On any page of somebody who is signed in: what someone else kept here before goes. */
export async function keepOnlyFor(user) {
  const plan = await keptPlan();
  if (plan && plan.user !== user) await forgetPlan();
}

/** At a sign-out: it goes, unless its owner wants it to stay. */
export async function leavePlan() {
  const plan = await keptPlan();
  if (plan && !plan.stays) await forgetPlan();
}
