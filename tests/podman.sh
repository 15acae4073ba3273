# Sourced by run.sh: a container engine for the tests, with everything it keeps in a directory of its own.
# Debian's podman with runc serves the Docker API on a socket; an image is made from busybox, as no registry is needed.

start_podman() {
  [ -z "${BATCHDECK_TEST_DOCKER_HOST:-}" ] || return 0
  [ "$(id -u)" = 0 ] || return 1
  have podman && have runc && have busybox || debian podman runc busybox-static || return 1
  have podman && have runc && have busybox || return 1
  podman_home=$(mktemp -d /tmp/bdpod.XXXXXX)
  cat >"$podman_home/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
CONF
  export CONTAINERS_CONF="$podman_home/containers.conf"
  podman_flags=(--root "$podman_home/root" --runroot "$podman_home/run" --storage-driver vfs)
  mkdir -p "$podman_home/tree/bin"
  cp "$(command -v busybox)" "$podman_home/tree/bin/busybox"
  for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -sf busybox "$podman_home/tree/bin/$applet"; done
  tar -C "$podman_home/tree" -c . | podman "${podman_flags[@]}" import - localhost/batchdeck-test:latest >/dev/null 2>&1 || return 1
  # In its own directory: the monitor of a container leaves a file where it stands when memory runs out.
  (cd "$podman_home" && exec podman "${podman_flags[@]}" system service --time=0 "unix://$podman_home/docker.sock") >"$podman_home/log" 2>&1 &
  podman_pid=$!
  for _ in $(seq 100); do
    if [ -S "$podman_home/docker.sock" ]; then
      export BATCHDECK_TEST_DOCKER_HOST="unix://$podman_home/docker.sock"
      return 0
    fi
    kill -0 "$podman_pid" 2>/dev/null || return 1
    read -rt 0.1 <> <(:) || true
  done
  return 1
}

stop_podman() {
  [ -n "${podman_pid:-}" ] || return 0
  podman "${podman_flags[@]}" rm --all --force --time 0 >/dev/null 2>&1 || true
  kill "$podman_pid" 2>/dev/null || true
  wait "$podman_pid" 2>/dev/null || true
  rm -rf "$podman_home"
}
