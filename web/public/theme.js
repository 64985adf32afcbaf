// Runs before the first paint, so that the page never flashes in the other theme. A file of its own: the
// Content-Security-Policy allows no inline script.
(function () {
  var theme = null, lang = null;
  try { theme = localStorage.getItem('procyon.theme'); lang = localStorage.getItem('procyon.lang'); } catch (e) { /* no storage: the defaults */ }
  if (theme !== 'dark' && theme !== 'light') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  if (lang !== 'en' && lang !== 'zh') lang = /^zh/i.test(navigator.language || '') ? 'zh' : 'en';
  document.documentElement.dataset.theme = theme;
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
})();
