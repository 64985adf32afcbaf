// Runs before the first paint, so that the page never flashes in the other theme or at another density. A file of its own: the
// Content-Security-Policy allows no inline script.
(function () {
  var kept = function (name) { try { return localStorage.getItem('procyon.' + name); } catch (e) { return null; /* no storage: the defaults */ } };
  var theme = kept('theme'), lang = kept('lang'), root = document.documentElement;
  if (theme !== 'dark' && theme !== 'light') theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  if (lang !== 'en' && lang !== 'zh') lang = /^zh/i.test(navigator.language || '') ? 'zh' : 'en';
  root.dataset.theme = theme;
  if (kept('density') === 'cozy') root.dataset.density = 'cozy';
  root.lang = lang === 'zh' ? 'zh-CN' : 'en';
})();
