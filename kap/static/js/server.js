// How our scripts speak to the server: they ask for JSON and carry the page's token.

export const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

/**
 * POST `body`; and once more with the token the server offers, where ours is of an earlier sign-in. Not if somebody
 * else has signed in here since: what was typed goes out only for the person who typed it.
 */
export async function post(url, body, { timeout, keepalive = false }) {
  const send = () => fetch(url, {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": meta("csrf-token") },
    redirect: "manual",
    keepalive,
    signal: AbortSignal.timeout(timeout),
  });
  const response = await send();
  if (response.status !== 400) return response;
  const { csrf_token: token, user } = await response.clone().json().catch(() => ({}));
  if (!token || (user && user !== meta("kap-user"))) return response;
  document.querySelector('meta[name="csrf-token"]').content = token;
  return send();
}

/** Whether an answer says that the sign-in has ended. */
export const isSignedOut = (response) => response.status === 401 || response.type === "opaqueredirect";

/** The way to sign in from a page that has to stay as it is: in a tab of its own. */
export function signInLink() {
  const link = document.createElement("a");
  return Object.assign(link, {
    href: meta("kap-sign-in"), target: "_blank", rel: "noopener", textContent: "Sign in in a new tab",
  });
}
