"""Networks, searches and measurements that experiments of several papers share."""
