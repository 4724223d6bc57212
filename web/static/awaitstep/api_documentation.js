// The interactive documentation of the API. Requests use the session of the page.
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)')
const showTheme = () => {
  const { theme } = document.documentElement.dataset
  const isDark = theme === 'dark' || (theme !== 'light' && systemIsDark.matches)
  document.documentElement.classList.toggle('dark-mode', isDark)
}
showTheme()
systemIsDark.addEventListener('change', showTheme)
new MutationObserver(showTheme).observe(document.documentElement, {
  attributeFilter: ['data-theme'],
})

const place = document.getElementById('api-documentation')

window.SwaggerUIBundle({
  url: place.dataset.specification,
  domNode: place,
  deepLinking: true,
  docExpansion: 'none',
  validatorUrl: null,
  requestInterceptor: request => {
    request.headers['X-CSRFToken'] = place.dataset.token
    return request
  },
})
