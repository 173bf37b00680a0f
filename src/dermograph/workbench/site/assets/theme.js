"use strict";
// Before the page is painted: the theme that the reader chose last, where the browser keeps it.
try {
  const chosen = localStorage.getItem("dermograph-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch { /* no storage from disk in this browser */ }
