/* Load program of the `connects` benchmark: devices that connect over TLS, present themselves with an
 * MQTT CONNECT, hear CONNACK 0, say goodbye and close, `parallel` of them at once. In C, because
 * Node's TLS client costs three times what its server does, and would be what is measured.
 *
 *   connects host port 1.2|1.3 full|resumed parallel packets
 *
 * `packets` is a file of CONNECT packets, each after its length in two bytes, used in turn. Lines
 * {"warmUpMs":N,"measureMs":N} on standard input are answered with JSON lines, see load/plan.ts.
 * With `resumed`, each of the parallel devices presents the newest ticket it was given. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_PARALLEL 1024
#define MAX_EVENTS 256
#define MAX_SAMPLES 2000000
#define STALL_MS 10000.0

typedef struct {
  const unsigned char *bytes;
  int length;
} packet_t;

typedef struct {
  int fd;
  SSL *ssl;
  SSL_SESSION *session;
  enum { SHAKING, WAITING, LEAVING } state;
  double began_ms;
  unsigned char answer[4];
  int answered;
} slot_t;

static struct sockaddr_in server;
static SSL_CTX *context;
static packet_t *packets;
static int packet_count, next_packet, resumes, poller;
/* While true, every connection that is over is followed by the next; how many are open. */
static int going, open_slots;
static slot_t slots[MAX_PARALLEL];
static long done, reused;
static float *samples;
static long sample_count;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static double cpu_ms(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
         (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "");
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void load_packets(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  unsigned char *all = malloc(size);
  if (!all || fread(all, 1, size, file) != (size_t)size) fail(path);
  fclose(file);
  packets = calloc(size / 2 + 1, sizeof *packets);
  for (long at = 0; at + 2 <= size;) {
    int length = all[at] << 8 | all[at + 1];
    packets[packet_count++] = (packet_t){all + at + 2, length};
    at += 2 + length;
  }
  if (packet_count == 0) fail("no packets");
}

static int keep_session(SSL *ssl, SSL_SESSION *session) {
  slot_t *slot = SSL_get_app_data(ssl);
  if (slot->session) SSL_SESSION_free(slot->session);
  slot->session = session;
  return 1;
}

/* The load's own work is kept small: the chain is not looked at, the handshake's signature is. */
static int trust(X509_STORE_CTX *chain, void *nothing) {
  (void)chain, (void)nothing;
  return 1;
}

/* A copy, since OpenSSL uses a TLS 1.3 ticket once; Node sends no new one when it was presented. */
static void present(slot_t *slot) {
  SSL_SESSION *copy = SSL_SESSION_dup(slot->session);
  SSL_set_session(slot->ssl, copy);
  SSL_SESSION_free(copy);
}

static void begin(slot_t *slot) {
  open_slots++;
  slot->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (slot->fd < 0) fail("socket");
  int on = 1;
  setsockopt(slot->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  slot->began_ms = now_ms();
  slot->answered = 0;
  slot->state = SHAKING;
  if (connect(slot->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
    fail("connect");
  slot->ssl = SSL_new(context);
  SSL_set_app_data(slot->ssl, slot);
  SSL_set_fd(slot->ssl, slot->fd);
  SSL_set_tlsext_host_name(slot->ssl, "localhost");
  if (resumes && slot->session) present(slot);
  SSL_set_connect_state(slot->ssl);
  struct epoll_event event = {.events = EPOLLOUT, .data.ptr = slot};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, slot->fd, &event) < 0) fail("epoll");
}

static void watch(slot_t *slot, unsigned events) {
  struct epoll_event event = {.events = events, .data.ptr = slot};
  epoll_ctl(poller, EPOLL_CTL_MOD, slot->fd, &event);
}

/* Waits for what OpenSSL wants; ends the program when it is an error. */
static void want(slot_t *slot, int result, const char *what) {
  int error = SSL_get_error(slot->ssl, result);
  if (error == SSL_ERROR_WANT_READ) watch(slot, EPOLLIN);
  else if (error == SSL_ERROR_WANT_WRITE) watch(slot, EPOLLOUT);
  else fail(what);
}

static void end(slot_t *slot) {
  SSL_free(slot->ssl);
  close(slot->fd);
  open_slots--;
  if (going) begin(slot);
}

static void shake(slot_t *slot) {
  int result = SSL_do_handshake(slot->ssl);
  if (result != 1) {
    want(slot, result, "handshake");
    return;
  }
  packet_t packet = packets[next_packet++ % packet_count];
  if (SSL_write(slot->ssl, packet.bytes, packet.length) != packet.length) fail("CONNECT");
  slot->state = WAITING;
  watch(slot, EPOLLIN);
}

static void hear(slot_t *slot) {
  int room = sizeof slot->answer - slot->answered;
  int got = SSL_read(slot->ssl, slot->answer + slot->answered, room);
  if (got <= 0) {
    want(slot, got, "waiting for CONNACK");
    return;
  }
  slot->answered += got;
  if (got < room) return;
  if (slot->answer[0] != 0x20 || slot->answer[3] != 0) {
    fprintf(stderr, "CONNACK %d\n", slot->answer[3]);
    exit(1);
  }
  done++;
  reused += SSL_session_reused(slot->ssl);
  if (sample_count < MAX_SAMPLES) samples[sample_count++] = now_ms() - slot->began_ms;
  static const unsigned char goodbye[] = {0xe0, 0};
  SSL_write(slot->ssl, goodbye, sizeof goodbye);
  SSL_shutdown(slot->ssl);
  shutdown(slot->fd, SHUT_WR);
  slot->state = LEAVING;
}

/* A connection is over when the server has closed its side as well. */
static void leave(slot_t *slot) {
  char rest[512];
  ssize_t got = read(slot->fd, rest, sizeof rest);
  if (got == 0 || (got < 0 && errno != EAGAIN)) end(slot);
}

static void run_until(double deadline_ms) {
  struct epoll_event events[MAX_EVENTS];
  double last_ms = now_ms();
  for (double now = last_ms; now < deadline_ms && open_slots > 0; now = now_ms()) {
    int count = epoll_wait(poller, events, MAX_EVENTS, 10);
    if (count > 0) last_ms = now;
    else if (now - last_ms > STALL_MS) fail("the server says nothing");
    for (int i = 0; i < count; i++) {
      slot_t *slot = events[i].data.ptr;
      ERR_clear_error();
      errno = 0;
      if (slot->state == SHAKING) shake(slot);
      else if (slot->state == WAITING) hear(slot);
      else leave(slot);
    }
  }
}

/* No server is left with half a connection while others have their turn. */
static void drain(void) {
  going = 0;
  run_until(now_ms() + STALL_MS);
  if (open_slots > 0) fail("connections that never end");
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static double quantile(double q) {
  return sample_count == 0 ? 0 : samples[(long)(q * (sample_count - 1))];
}

static void say_connected(double took_ms) {
  SSL_SESSION *session = slots[0].session;
  if (!session) fail("the server gives no tickets");
  const char *version = SSL_SESSION_get_protocol_version(session) == TLS1_2_VERSION ? "1.2" : "1.3";
  printf("{\"event\":\"connected\",\"tls\":\"TLSv%s %s\",\"connectMs\":%.1f}\n", version,
         SSL_CIPHER_standard_name(SSL_SESSION_get0_cipher(session)), took_ms);
  fflush(stdout);
}

static void begin_all(int parallel) {
  for (int i = 0; i < parallel; i++) begin(&slots[i]);
}

static void serve(const char *line, int parallel) {
  double warm_up_ms, measure_ms;
  if (sscanf(line, "{\"warmUpMs\":%lf,\"measureMs\":%lf", &warm_up_ms, &measure_ms) != 2)
    fail(line);
  going = 1;
  begin_all(parallel);
  run_until(now_ms() + warm_up_ms);
  printf("{\"event\":\"measuring\"}\n");
  fflush(stdout);
  done = reused = sample_count = 0;
  double cpu = cpu_ms(), began = now_ms();
  run_until(began + measure_ms);
  double wall = now_ms() - began;
  cpu = cpu_ms() - cpu;
  double per_second = done * 1000.0 / wall, share = done ? (double)reused / done : 0;
  long measured = sample_count;
  drain();
  sample_count = measured;
  qsort(samples, sample_count, sizeof *samples, ascending);
  printf("{\"event\":\"result\",\"perSecond\":%.2f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f,"
         "\"loadCpu\":%.4f,\"resumedShare\":%.4f}\n",
         per_second, quantile(0.5), quantile(0.99), quantile(1), cpu / wall, share);
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count != 7) fail("connects host port 1.2|1.3 full|resumed parallel packets");
  signal(SIGPIPE, SIG_IGN);
  server.sin_family = AF_INET;
  server.sin_port = htons(atoi(arguments[2]));
  if (inet_pton(AF_INET, arguments[1], &server.sin_addr) != 1) fail("host");
  int version = strcmp(arguments[3], "1.2") ? TLS1_3_VERSION : TLS1_2_VERSION;
  resumes = !strcmp(arguments[4], "resumed");
  int parallel = atoi(arguments[5]);
  if (parallel < 1 || parallel > MAX_PARALLEL) fail("parallel");
  load_packets(arguments[6]);
  samples = malloc(MAX_SAMPLES * sizeof *samples);
  context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  SSL_CTX_set_cert_verify_callback(context, trust, NULL);
  poller = epoll_create1(0);
  double began = now_ms();
  begin_all(parallel);
  drain();
  say_connected(now_ms() - began);
  char line[256];
  while (fgets(line, sizeof line, stdin)) serve(line, parallel);
  return 0;
}
