// Installs Debian packages that the tests need a program of, where that may be done.
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** null when the files are there, as they were or now that their packages are installed; otherwise why not. */
export function ensureInstalled(files, ...packages) {
  const file = files.find((each) => !existsSync(each));
  if (file === undefined) return null;
  const names = packages.join(' and ');
  if (process.getuid?.() !== 0) return `${file} is missing, and only root may install ${names}`;
  if (!existsSync('/usr/bin/apt-get')) return `${file} is missing, and there is no apt-get to install it with`;
  console.log(`${file} is missing: installing ${names} from Debian`);
  // Their services must not start: the tests bring up servers of their own.
  const policy = '/usr/sbin/policy-rc.d';
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const apt = (...args) =>
    execFileSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    apt('update');
    apt('install', '-y', '--no-install-recommends', ...packages);
    return files.every((each) => existsSync(each)) ? null : `${file} is missing, though ${names} is installed`;
  } catch (error) {
    return `${file} is missing, and installing ${names} failed: ${error.message}`;
  } finally {
    if (isOurs) rmSync(policy, { force: true });
  }
}
