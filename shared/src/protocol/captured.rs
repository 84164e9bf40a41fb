//! Bodies a real MDM client sent, byte for byte.

pub(super) const AUTHENTICATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>DeviceName</key>
		<string>0N9FC9K37QW9&#39;s Computer</string>
		<key>MessageType</key>
		<string>Authenticate</string>
		<key>SerialNumber</key>
		<string>0N9FC9K37QW9</string>
		<key>Topic</key>
		<string>com.apple.mgmt.External.11111111-2222-3333-4444-555555555555</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

/// With a push token of 9 bytes.
pub(super) const TOKEN_UPDATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>MessageType</key>
		<string>TokenUpdate</string>
		<key>PushMagic</key>
		<string>fakePushMagic</string>
		<key>Token</key>
		<data>ZmFrZVRva2Vu</data>
		<key>Topic</key>
		<string>com.apple.mgmt.External.11111111-2222-3333-4444-555555555555</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

pub(super) const IDLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>Status</key>
		<string>Idle</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

pub(super) const DEVICE_INFORMATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>CommandUUID</key>
		<string>d86c191e-8a0c-4a16-b2fa-53192bfaf512</string>
		<key>QueryResponses</key>
		<dict>
			<key>DeviceName</key>
			<string>0N9FC9K37QW9&#39;s Computer</string>
			<key>SerialNumber</key>
			<string>0N9FC9K37QW9</string>
			<key>UDID</key>
			<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
		</dict>
		<key>RequestType</key>
		<string>DeviceInformation</string>
		<key>Status</key>
		<string>Acknowledged</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

pub(super) const PROFILE_LIST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>CommandUUID</key>
		<string>dbd7bec3-c4b5-4920-83eb-53b93861bb39</string>
		<key>ProfileList</key>
		<array>
			<dict>
				<key>PayloadContent</key>
				<array>
					<dict>
						<key>PayloadIdentifier</key>
						<string>peers.test.scep</string>
						<key>PayloadType</key>
						<string>com.apple.security.scep</string>
						<key>PayloadUUID</key>
						<string>CB90E976-AD44-4B69-8108-8095E6260978</string>
						<key>PayloadVersion</key>
						<integer>1</integer>
					</dict>
					<dict>
						<key>PayloadIdentifier</key>
						<string>peers.test.mdm</string>
						<key>PayloadType</key>
						<string>com.apple.mdm</string>
						<key>PayloadUUID</key>
						<string>96B11019-B54C-49DC-9480-43525834DE7B</string>
						<key>PayloadVersion</key>
						<integer>1</integer>
					</dict>
				</array>
				<key>PayloadDisplayName</key>
				<string>Peers Enrollment</string>
				<key>PayloadIdentifier</key>
				<string>peers.test.enroll</string>
				<key>PayloadType</key>
				<string>Configuration</string>
				<key>PayloadUUID</key>
				<string>F9760DD4-F2D1-4F29-8D2C-48D52DD0A9B3</string>
				<key>PayloadVersion</key>
				<integer>1</integer>
			</dict>
		</array>
		<key>RequestType</key>
		<string>ProfileList</string>
		<key>Status</key>
		<string>Acknowledged</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

/// An acknowledged InstallProfile, whose RequestType this client leaves empty.
pub(super) const INSTALL_PROFILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>CommandUUID</key>
		<string>1f8b3e12-43c1-4606-b6ef-4b645044bc82</string>
		<key>RequestType</key>
		<string></string>
		<key>Status</key>
		<string>Acknowledged</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

pub(super) const SECURITY_INFO_ERROR: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
	<dict>
		<key>CommandUUID</key>
		<string>0f9d1302-783d-4505-9b7f-0eba130019ba</string>
		<key>ErrorChain</key>
		<array>
			<dict>
				<key>ErrorCode</key>
				<integer>12021</integer>
				<key>ErrorDomain</key>
				<string>MCMDMErrorDomain</string>
				<key>LocalizedDescription</key>
				<string>Unknown command: SecurityInfo &lt;MDMClientError:91&gt;</string>
			</dict>
		</array>
		<key>RequestType</key>
		<string>SecurityInfo</string>
		<key>Status</key>
		<string>Error</string>
		<key>UDID</key>
		<string>2844A114-08D1-4C14-8B75-4E8CE0302D23</string>
	</dict>
</plist>
"#;

/// All of them, in the order they were sent.
pub(super) const ALL: [&str; 7] = [
    AUTHENTICATE,
    TOKEN_UPDATE,
    IDLE,
    DEVICE_INFORMATION,
    PROFILE_LIST,
    INSTALL_PROFILE,
    SECURITY_INFO_ERROR,
];
