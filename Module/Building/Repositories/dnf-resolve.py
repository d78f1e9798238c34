# What dnf would install into an empty root, one package a line, by dnf's own library (dnf 4; https://dnf.readthedocs.io/en/latest/api.html).
# usage: dnf-resolve.py CONFIGURATION ROOT RELEASE PACKAGE...
import sys

import dnf
import dnf.callback
import dnf.exceptions
import hawkey


class TakeConfiguredKeys(dnf.callback.KeyImport):
    """gpgkey= names only keys that were looked at before."""

    def _confirm(self, id, userid, fingerprint, url, timestamp):
        return True


class Percent(dnf.callback.DownloadProgress):
    def start(self, total_files, total_size, total_drpms=0):
        pass

    def progress(self, payload, done):
        if payload.download_size:
            tell("PROGRESS", payload, int(100 * done / payload.download_size))

    def end(self, payload, status, msg):
        pass


def tell(*fields):
    print("\t".join(str(field).replace("\t", " ").replace("\n", " ") for field in fields), flush=True)


configuration, root, release = sys.argv[1:4]
conf = dnf.conf.Conf()
conf.read(configuration)
conf.installroot = root
if release:
    conf.substitutions["releasever"] = release
base = dnf.Base(conf)
try:
    base.read_all_repos()
    repositories = list(base.repos.iter_enabled())
    for repository in repositories:
        repository._set_key_import(TakeConfiguredKeys())
        repository.set_progress_bar(Percent())
    base.fill_sack(load_system_repo=False)
    base.install_specs(sys.argv[4:], strict=True)
    if not base.resolve() and not base.transaction:
        tell("ERROR", "DepsolveError", "nothing to install")
        sys.exit(1)
    for repository in repositories:
        tell("REPOSITORY", repository.id, repository._repo.getMaxTimestamp(), repository._repo.getCachedir() + "/repodata/repomd.xml", " ".join(repository._repo.getMirrors()))
    for package in base.transaction.install_set:
        kind, digest = package.chksum
        tell("PACKAGE", package.repoid, package.name, package.evr, package.arch, hawkey.chksum_name(kind), digest.hex(), package.downloadsize, package.location)
except dnf.exceptions.Error as error:
    tell("ERROR", type(error).__name__, error)
    sys.exit(1)
