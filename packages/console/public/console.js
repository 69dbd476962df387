const ASK_EVERY_MS = 10_000
const badge = document.getElementById('health')

async function showHealth() {
  try {
    const response = await fetch('/health')
    const health = await response.json()
    badge.dataset.state = response.ok ? 'ok' : 'bad'
    badge.textContent = response.ok ? 'Running' : `Not ready: ${health.reason}`
  } catch {
    badge.dataset.state = 'bad'
    badge.textContent = 'The server does not answer'
  }
}

await showHealth()
setInterval(showHealth, ASK_EVERY_MS)
