#!/usr/bin/env bash
# A Debian package of the program, with its completions, its manual and its licences: target/debian/batchdeck_*.deb
# Needs Rust, a C compiler and dpkg-deb.
#
#   packaging/deb.sh            builds the program and the package
#   packaging/deb.sh PROGRAM    packs a program that is built already
set -euo pipefail
program="${1:+$(realpath "$1")}"
cd "$(dirname "$0")/.."

[ -n "$program" ] || program=$(packaging/program.sh | tail -1)
umask 022
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
architecture=$(dpkg --print-architecture)
root="${CARGO_TARGET_DIR:-target}/debian/root"
rm -rf "$root"

install -D -m 755 "$program" "$root/usr/bin/batchdeck"
for shell in bash fish zsh; do "$program" completions "$shell" >"${root%/*}/completion.$shell"; done
install -D -m 644 "${root%/*}/completion.bash" "$root/usr/share/bash-completion/completions/batchdeck"
install -D -m 644 "${root%/*}/completion.fish" "$root/usr/share/fish/vendor_completions.d/batchdeck.fish"
install -D -m 644 "${root%/*}/completion.zsh" "$root/usr/share/zsh/vendor-completions/_batchdeck"
mkdir -p "$root/usr/share/man/man1"
"$program" man "$root/usr/share/man/man1"
gzip -9 -n "$root"/usr/share/man/man1/*
for text in README.md config.example.toml NOTICE LICENSE-MIT LICENSE-APACHE; do
  install -D -m 644 "$text" "$root/usr/share/doc/batchdeck/$text"
done
cat "$root"/usr/share/doc/batchdeck/LICENSE-{MIT,APACHE} >"$root/usr/share/doc/batchdeck/copyright"
needed=$(ldd "$program" | grep -q libgcc_s && echo ", libgcc-s1" || true)
# The oldest C library that has what the program calls.
libc=$(objdump -T "$program" 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -1 | cut -d_ -f2 || true)
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: batchdeck
Version: $version
Architecture: $architecture
Maintainer: The batchdeck developers <batchdeck@localhost>
Section: admin
Priority: optional
Depends: libc6${libc:+ (>= $libc)}$needed
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Description: operations console for batch jobs in a terminal
 Queues, running jobs, compute environments and log tails in one screen, over
 AWS Batch or a built-in engine that behaves as AWS Batch does on one machine.
CONTROL
dpkg-deb --root-owner-group --build "$root" "${root%/*}/batchdeck_${version}_$architecture.deb"
