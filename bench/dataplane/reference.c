/*
 * The work of two agents in C, as the limit to compare with.
 *   reference send FILE          prints the port it listens on, then sends FILE to one connection: pread, send
 *   reference receive PORT FILE  recv, SHA-256 of every leaf of 256 KiB, pwrite
 * Each prints the CPU seconds that it spent between the first byte and the last.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { chunk = 256 * 1024 };

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double cpu(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void send_file(const char *path, char *buffer) {
  int file = open(path, O_RDONLY);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  struct stat info;
  if (file < 0 || fstat(file, &info) < 0) fail(path);
  if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0) fail("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int connection = accept(listener, NULL, NULL);
  double before = cpu();
  for (off_t at = 0; at < info.st_size;) {
    ssize_t got = pread(file, buffer, chunk, at);
    if (got <= 0) fail("pread");
    for (ssize_t sent = 0; sent < got;) {
      ssize_t count = send(connection, buffer + sent, got - sent, 0);
      if (count < 0) fail("send");
      sent += count;
    }
    at += got;
  }
  close(connection);
  printf("%.6f\n", cpu() - before);
}

static void receive_file(int port, const char *path, char *buffer) {
  int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = loopback(port);
  EVP_MD_CTX *leaf = EVP_MD_CTX_new();
  unsigned char digest[EVP_MAX_MD_SIZE], all = 0;
  if (file < 0) fail(path);
  if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
  double before = cpu();
  off_t at = 0;
  ssize_t room = chunk;
  EVP_DigestInit_ex(leaf, EVP_sha256(), NULL);
  for (ssize_t got; (got = recv(connection, buffer, chunk, 0)) != 0; at += got) {
    if (got < 0) fail("recv");
    for (ssize_t from = 0; from < got;) {
      ssize_t part = got - from < room ? got - from : room;
      EVP_DigestUpdate(leaf, buffer + from, part);
      from += part;
      room -= part;
      if (room > 0) continue;
      EVP_DigestFinal_ex(leaf, digest, NULL);
      all ^= digest[0];
      EVP_DigestInit_ex(leaf, EVP_sha256(), NULL);
      room = chunk;
    }
    if (pwrite(file, buffer, got, at) != got) fail("pwrite");
  }
  printf("%.6f\n%lld\n%d\n", cpu() - before, (long long)at, all);
}

int main(int count, char **arguments) {
  char *buffer = malloc(chunk);
  if (count == 3 && !strcmp(arguments[1], "send")) send_file(arguments[2], buffer);
  else if (count == 4 && !strcmp(arguments[1], "receive")) receive_file(atoi(arguments[2]), arguments[3], buffer);
  else return 2;
  return 0;
}
