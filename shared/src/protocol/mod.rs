//! Apple's MDM wire, pure.
