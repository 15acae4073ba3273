//! AWS Batch as a backend.
