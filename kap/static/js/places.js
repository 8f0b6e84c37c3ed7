// How far the music of a session had come, as player.js remembers it on this device under the session's name.

const PLACE = /^kap-player:[0-9a-f-]{36}:/;

/** Forget the places of `session`, or of every session, that `isOver(place)` picks. */
export function forgetPlaces(session = "", isOver = () => true) {
  try {
    for (const name of Object.keys(localStorage)) {
      if (!PLACE.test(name) || !name.startsWith(`kap-player:${session}`)) continue;
      if (isOver(JSON.parse(localStorage.getItem(name)))) localStorage.removeItem(name);
    }
  } catch { /* a browser that keeps nothing */ }
}
