"use strict";
// Where nights are minutes long, the first screen follows them without a reload by hand.
const PAUSE = 4000;

async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        document.querySelector("main").replaceWith(fresh.querySelector("main"));
        document.title = fresh.title;
      }
    } catch {
      // The service is away for a moment; the page stays as it is until it is back.
    }
  }
  setTimeout(refresh, PAUSE);
}

setTimeout(refresh, PAUSE);
