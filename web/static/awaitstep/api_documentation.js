// The interactive documentation of the API. Requests use the session of the page.
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
