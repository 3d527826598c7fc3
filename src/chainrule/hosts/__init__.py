"""Several processes that train one network: who they are, how they start, what host 0 tells the others.

A host is one process, on a machine of its own or beside others. Host 0 decides and writes; the others follow. What is
computed together is the work of the XLA engine (`chainrule.engines.xla`); what has to be the same on all hosts, or is
done by one of them alone, goes through the link of this package.

    `record`       `Hosts`: the number of hosts, which of them this process is, and where host 0 is
    `environment`  what Open MPI, Slurm and Kubernetes say about it
    `starting`     starts the link of this process, and compares the hosts
    `link`         messages from host 0 to all, and from all to host 0
    `shards`       which rows belong to which shard, and which shards to which host
"""

from chainrule.hosts.link import ALONE, Link
from chainrule.hosts.record import Hosts, HostsChoice
from chainrule.hosts.shards import host_shards, shard_edges, sharded_order
from chainrule.hosts.starting import link_of, process_link, require_same

__all__ = [
    "ALONE",
    "Hosts",
    "HostsChoice",
    "Link",
    "host_shards",
    "link_of",
    "process_link",
    "require_same",
    "shard_edges",
    "sharded_order",
]
