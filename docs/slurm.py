"""Run a study's batch on workers that SLURM gives: ``python docs/slurm.py STUDY --workers 32``.

Run it on a node from which jobs may be submitted and which the workers can reach. It starts a Dask
scheduler here, asks SLURM for the workers, runs ``loftet run STUDY --scheduler …`` and gives the
workers back, however the run ends. What follows the options is passed on to ``loftet run``.

Notebooks with exact frames and single answers travel between the nodes, so all of it is encrypted
(TLS) with certificates that are made for this run and end with it. Nobody without them can reach
the scheduler, who would otherwise let anybody run code on the workers. The workers find theirs in
files of the user's home folder that only the user may read.
"""

import argparse
import os
import subprocess
import sys

from dask_jobqueue import SLURMCluster
from distributed.security import Security

TLS = "DASK_DISTRIBUTED__COMM__TLS__"


def main() -> int:
    """Ask for workers, run, give them back; return the exit code of ``loftet run``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study")
    parser.add_argument("--workers", type=int, default=16, help="notebooks at a time")
    parser.add_argument("--per-job", type=int, default=8, help="workers in each job of SLURM")
    parser.add_argument("--memory", default="2GB", help="for each worker")
    parser.add_argument("--walltime", default="01:00:00", help="of each job")
    parser.add_argument("--queue", help="SLURM's partition")
    parser.add_argument("--account", help="who pays")
    parser.add_argument("--interface", help="the network between the nodes, e.g. ib0")
    given, passed_on = parser.parse_known_args()
    number, unit = given.memory[:-2], given.memory[-2:]
    security = Security.temporary()
    cluster = SLURMCluster(
        protocol="tls://",
        security=security,
        shared_temp_directory="~",
        cores=given.per_job,
        processes=given.per_job,  # a notebook is a process of its own, so a worker has one thread
        memory=f"{float(number) * given.per_job:g}{unit}",
        walltime=given.walltime,
        queue=given.queue,
        account=given.account,
        interface=given.interface,
        python=sys.executable,
    )
    with cluster:
        cluster.scale(jobs=-(-given.workers // given.per_job))
        # a first worker may wait long in SLURM's queue
        with cluster.get_client() as client:
            client.wait_for_workers(1)
        run = ["-m", "loftet_analysis", "run", given.study, "--scheduler"]
        command = [sys.executable, *run, cluster.scheduler_address, *passed_on]
        client = {
            f"{TLS}CA_FILE": security.tls_ca_file,
            f"{TLS}CLIENT__CERT": security.tls_client_cert,
            f"{TLS}CLIENT__KEY": security.tls_client_key,
        }
        return subprocess.run(command, env={**os.environ, **client}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
