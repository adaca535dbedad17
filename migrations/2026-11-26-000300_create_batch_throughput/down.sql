DROP TABLE batch_throughput;
